<?php
use Illuminate\Http\Request;
use Illuminate\Support\Facades\Route;

Route::get('/', fn () => view('page', ['name' => 'Laravel']));

Route::get('/greet', fn (Request $request) => ['hello' => $request->query('name')]);

Route::post('/greet', fn (Request $request) => ['hello' => $request->input('name')]);

// Gives the body back, byte for byte.
Route::post('/echo', fn (Request $request) => response($request->getContent())
    ->header('content-type', $request->header('content-type', 'application/octet-stream')));
