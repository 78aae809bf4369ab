<?php
namespace App\Http;

use Illuminate\Foundation\Http\Kernel as HttpKernel;

/** No session and no database: routes with their bindings. */
class Kernel extends HttpKernel
{
    protected $middleware = [\Illuminate\Foundation\Http\Middleware\ConvertEmptyStringsToNull::class];
    protected $middlewareGroups = ['web' => [\Illuminate\Routing\Middleware\SubstituteBindings::class]];
}
