<?php
// A small PHP application. It knows nothing of Lambda.
$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
if ($path === '/echo') {
    header('content-type: ' . ($_SERVER['CONTENT_TYPE'] ?? 'application/octet-stream'));
    readfile('php://input');
} elseif ($path === '/greet') {
    header('content-type: application/json');
    echo json_encode(['hello' => $_GET['name'] ?? $_POST['name'] ?? null]);
} else {
    echo '<!doctype html><h1>Hello from PHP</h1>';
}
