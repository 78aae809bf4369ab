#!/bin/sh
# PHP's own server, as `php artisan serve` has it; with nginx and PHP-FPM before many clients, see ../php.
set -e
mkdir -p storage/framework/views storage/logs bootstrap/cache
exec php -d error_reporting=0 -S "127.0.0.1:$PORT" public/index.php
