#!/bin/sh
# client_library.sh FOLDER: whether mysqlclient's extension below it is linked with MariaDB's client library, and all that
# it is linked with is on this host. Fails with what is missing.
set -eu
extension=$(find "$1" -path '*/MySQLdb/_mysql*.so')
if [ -z "$extension" ]; then echo "there is no mysqlclient in $1" >&2 && exit 1; fi
linked=$(ldd "$extension")
case $linked in
*'not found'*) ;;
*libmariadb.so.3*) exit 0 ;;
esac
echo "mysqlclient is not linked with libmariadb.so.3 of this host (libmariadb3), as wheelhouse.sh does it:" >&2
echo "$linked" | grep -E 'not found|mysql|mariadb' >&2
exit 1
