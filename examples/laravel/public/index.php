<?php
// Every request comes here.
use App\Http\Kernel;
use Illuminate\Http\Request;

// With Composer this is vendor/autoload.php; here the framework is that of the system.
require '/usr/share/php/Illuminate/autoload.php';
spl_autoload_register(function ($class) {
    if (str_starts_with($class, 'App\\')) {
        require __DIR__ . '/../app/' . str_replace('\\', '/', substr($class, 4)) . '.php';
    }
});

$app = require __DIR__ . '/../bootstrap/app.php';
$kernel = $app->make(Kernel::class);
$response = $kernel->handle($request = Request::capture())->send();
$kernel->terminate($request, $response);
