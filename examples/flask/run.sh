#!/bin/sh
exec .venv/bin/python -m gunicorn app:app
