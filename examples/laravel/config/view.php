<?php
// On Lambda only /tmp can be written to: set VIEW_COMPILED_PATH.
return [
    'paths' => [resource_path('views')],
    'compiled' => env('VIEW_COMPILED_PATH', storage_path('framework/views')),
];
