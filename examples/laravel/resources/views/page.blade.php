<!doctype html>
<h1>Hello from {{ $name }}</h1>
