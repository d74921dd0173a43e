# Tells a running Redis of the users in $USERS. Standard input: lines of "user password", the first that Redis accepts
# is who tells it. Prints "changed" if it had others. With $DISCONNECT all connections of these users are ended, too.
set -f
cli() { redis-cli -h "$REDIS_ADDRESS" -p "$REDIS_PORT" --no-auth-warning "$@"; }
listed() { cli --user "$user" ACL LIST </dev/null | sort; }
[ "$(cli PING </dev/null 2>&1 | grep -c 'Could not connect')" = 0 ] || exit 0 # it reads the file when it starts
export REDISCLI_AUTH
newest='' found=''
while IFS= read -r line || [ "$line" ]; do
  user=${line%% *} REDISCLI_AUTH=${line#* }
  [ "$newest" ] || newest=$REDISCLI_AUTH
  if [ "$(cli --user "$user" PING </dev/null 2>/dev/null)" = PONG ]; then found=yes; break; fi
done
[ "$found" ] || { echo "Redis accepts none of the passwords that are kept." >&2; exit 1; }
before=$(listed)
# Over one connection: it stays an administrator's while the passwords change.
said=$(sed -n 's/^user \([^ ]*\)/ACL SETUSER \1 reset/p' "$USERS" | cli --user "$user")
[ "$(printf '%s\n' "$said" | sort -u)" = OK ] || { echo "Redis refused its users: $said" >&2; exit 1; }
user=admin REDISCLI_AUTH=$newest
[ "$(listed)" = "$before" ] || echo changed
[ -z "$DISCONNECT" ] || sed -n 's/^user \([^ ]*\).*/CLIENT KILL USER \1/p' "$USERS" | cli --user admin >/dev/null
