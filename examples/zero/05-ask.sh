# One question, as any client asks it. It is held until a pod can answer it, and
# answered with all the tokens that were asked for.
url=http://zero-demo.example.com/v1
if command -v curl >/dev/null; then
  answer=$(curl -sS --proxy "$FLYBALL_PROXY" --max-time 300 -w ' HTTP %{http_code} after %{time_total} s' "$url/chat/completions" \
    -H 'Content-Type: application/json' \
    -d '{"model": "zero", "max_tokens": 64, "ignore_eos": true, "messages": [{"role": "user", "content": "What holds an engine at its speed?"}]}')
  echo "$answer"
  echo "$answer" | grep -q '"completion_tokens":64'
  echo "$answer" | grep -q ' HTTP 200 '
else
  echo 'no curl: flyball load asks'
  HTTP_PROXY=$FLYBALL_PROXY flyball load --url "$url" --model zero --duration 1s --arrivals constant --output-tokens 64
fi
