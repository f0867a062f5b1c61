#!/bin/sh
# An inventory script: how the lab's machines are reached, from the lab itself.
exec "$(dirname "$0")/../../../../lab/xenlab" inventory --format json
