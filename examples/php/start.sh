#!/bin/sh
# nginx takes HTTP, PHP-FPM runs the application; neither reads variables, so the port and the folders are written into their
# configurations.
set -e
mkdir -p run
for file in nginx.conf fpm.conf; do
  sed "s#PORT#$PORT#; s#SITE#$PWD/site#; s#RUN#$PWD/run#" "$file" > "run/$file"
done
as_root=
if [ "$(id -u)" = 0 ]; then
  # Root, which nobody is on Lambda: both would change to a user who may not read here.
  as_root=--allow-to-run-as-root
  echo 'user root;' >> run/nginx.conf
  printf 'user = root\ngroup = root\n' >> run/fpm.conf
fi
fpm=$(command -v php-fpm || command -v php-fpm8.4 || command -v php-fpm8.2)
# PHP-FPM is what stays: started in the background it would leave the group of processes that ends with this one.
nginx -p "$PWD" -e stderr -c run/nginx.conf &
exec "$fpm" $as_root --nodaemonize --fpm-config run/fpm.conf
