# The same question after a refusal. Kubernetes tries to create a refused pod again
# after a pause of its own that grows (up to a minute here), and until then the
# reason stands: a client tries again, as Retry-After tells it to.
for _ in $(seq 24); do
  if sh -e 05-ask.sh; then
    exit 0
  fi
  sleep 5
done
echo 'not answered' >&2
exit 1
