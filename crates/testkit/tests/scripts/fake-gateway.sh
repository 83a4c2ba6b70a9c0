#!/bin/sh
# Stands in for the program where the gateway fixture itself is under test.
case "$1" in
  serve) exec "$UPSTREAM" serve ;;
  environment) exec env ;;
  *) echo "unknown command: $1" >&2; exit 2 ;;
esac
