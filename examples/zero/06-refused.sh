# With no room in the quota there is nothing to wait for: the gateway says so at
# once, and why, rather than hold the question until its time is over.
url=http://zero-demo.example.com/v1
for _ in $(seq 30); do # until Kubernetes has tried, the question is held
  if command -v curl >/dev/null; then
    answer=$(curl -sS --proxy "$FLYBALL_PROXY" --max-time 20 -w ' HTTP %{http_code}' "$url/chat/completions" \
      -H 'Content-Type: application/json' -d '{"model": "zero", "max_tokens": 8, "messages": [{"role": "user", "content": "Hello"}]}' || true)
  else
    answer=$(HTTP_PROXY=$FLYBALL_PROXY flyball load --url "$url" --model zero --duration 1s --arrivals constant --output-tokens 8 --timeout 20s || true)
  fi
  echo "$answer"
  if echo "$answer" | grep -q 503 && echo "$answer" | grep -q quota; then
    exit 0
  fi
  sleep 1
done
echo 'not refused' >&2
exit 1
