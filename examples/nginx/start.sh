#!/bin/sh
# nginx reads no variables: the port is written into its configuration.
set -e
mkdir -p run
sed "s/PORT/$PORT/" nginx.conf > run/nginx.conf
# Root, which nobody is on Lambda: nginx would change to a user who may not read here.
[ "$(id -u)" != 0 ] || echo 'user root;' >> run/nginx.conf
exec nginx -p "$PWD" -e stderr -c run/nginx.conf
