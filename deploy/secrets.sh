#!/bin/sh
# Makes the secrets that docker-compose.yml hands to its containers, each by chance and for itself.
# Usage: deploy/secrets.sh [FOLDER]       (default: deploy/secrets)
# May be run again: a secret that is there stays, what is made of others (URLs, server configuration) is written anew.
#
# The folder (700) keeps everybody else on this machine out. The files in it can be read by all (444), since containers of
# several users get them as they lie here: Compose can't give a file another owner.
set -eu
umask 077

folder=${1:-"$(dirname "$0")/secrets"}
mkdir -p "$folder"
chmod 700 "$folder"

put() { # NAME TEXT: whole or not at all
  printf '%s\n' "$2" > "$folder/.$1.new"
  chmod 444 "$folder/.$1.new"
  mv -f "$folder/.$1.new" "$folder/$1"
}

make() { # NAME: 256 bits, in 64 letters and digits
  if [ -s "$folder/$1" ]; then return; fi
  secret=$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')
  if [ "${#secret}" != 64 ]; then echo "no randomness for $1" >&2; exit 1; fi
  put "$1" "$secret"
  echo "made $folder/$1"
}

for name in internal_secret admin_key postgres_password rabbitmq_password redis_password; do
  make "$name"
done
for part in coupon segments journey inventory gateway; do
  make "${part}_password"
  put "${part}_database_url" "postgresql://quanyu_$part:$(cat "$folder/${part}_password")@postgres:5432/quanyu"
done
put broker_url "amqp://quanyu:$(cat "$folder/rabbitmq_password")@rabbitmq:5672/"
put rabbitmq_user.conf "default_user = quanyu
default_pass = $(cat "$folder/rabbitmq_password")"
put redis_url "redis://:$(cat "$folder/redis_password")@redis:6379/0"
put redis.conf "requirepass $(cat "$folder/redis_password")
save \"\"
appendonly no
maxmemory 200mb
maxmemory-policy volatile-ttl"
