#!/bin/sh
# fetch_signed.sh key URL FINGERPRINT FILE: fetch a vendor's public key; keep it if it is the pinned one, and no other beside it.
# fetch_signed.sh package URL KEY_URL FINGERPRINT FILE: fetch a package and its signature (URL.sig); keep the package
# if the pinned key has signed it. FINGERPRINT: 40 hexadecimal digits. Nothing is kept, and the status is 1, if it is another.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fetch() { curl --fail --silent --show-error --location --proto '=https,file' --max-time 300 --output "$work/$2" "$1"; }
gpg_here() { gpg --batch --no-autostart --homedir "$work" "$@"; }
# refuse WHY: the end.
refuse() { echo "Refused: $*" >&2; exit 1; }
# pinned URL FINGERPRINT: fetch a key as $work/key, or refuse it.
pinned() {
  fetch "$1" key
  found=$(gpg_here --with-colons --show-keys "$work/key" | awk -F: '$1 == "pub" { primary = 1 } $1 == "fpr" && primary { print $10; primary = 0 }')
  [ "$found" = "$2" ] || refuse "$1 has the key $found, not $2."
}
case $1 in
key)
  pinned "$2" "$3"
  install -m 0644 "$work/key" "$4"
  ;;
package)
  pinned "$3" "$4"
  fetch "$2" package
  fetch "$2.sig" signature
  gpg_here --quiet --import "$work/key"
  gpg_here --status-fd 3 --verify "$work/signature" "$work/package" 3>"$work/status" 2>/dev/null || refuse "$2 is not signed by $4."
  grep -q "^\[GNUPG:\] VALIDSIG .* $4\$" "$work/status" || refuse "$2 is not signed by $4."
  install -m 0600 "$work/package" "$5"
  ;;
*) echo "fetch_signed.sh key|package …" >&2; exit 2 ;;
esac
