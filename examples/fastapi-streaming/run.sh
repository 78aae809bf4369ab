#!/bin/sh
exec .venv/bin/python app.py
