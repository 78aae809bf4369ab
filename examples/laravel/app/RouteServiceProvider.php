<?php
namespace App;

use Illuminate\Foundation\Support\Providers\RouteServiceProvider as Provider;
use Illuminate\Support\Facades\Route;

class RouteServiceProvider extends Provider
{
    public function map()
    {
        Route::middleware('web')->group(base_path('routes/web.php'));
    }
}
