#!/bin/sh
# Tells what it was called with, and leaves the file that its first argument names.
echo "told: $# $2" > "$1"
echo "$# arguments"
