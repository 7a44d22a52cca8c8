# A vLLM pod's way out: drain HOST:PORT SETTLE BOUND, as a preStop hook, before SIGTERM.
# Routers have SETTLE s to notice. Then the engine must say three times, a second
# apart, that nothing runs and nothing waits. After BOUND s it is over in any case.
# Bash and coreutils can do it: the image needs no curl. Bash's own read would take the page
# from the socket byte by byte.
set -f # the words of a page are not file names
idle() {
  local line page running= waiting= host=${1%:*} IFS=$'\n'
  host=${host#[} host=${host%]}
  {
    printf 'GET /metrics HTTP/1.0\r\nHost: %s\r\n\r\n' "$1" >&3
    page=$(timeout 5 cat <&3)
  } 2>/dev/null 3<>"/dev/tcp/$host/${1##*:}" || return 1
  for line in $page; do
    case $line in
      vllm:num_requests_running[{\ ]*) running=1 ;;
      vllm:num_requests_waiting[{\ ]*) waiting=1 ;;
      *) continue ;;
    esac
    case ${line##* } in
      0 | 0.0) ;;
      *) return 1 ;;
    esac
  done
  [[ $running && $waiting ]] # what is not seen may be busy
}
sleep "$2"
quiet=0
while ((SECONDS < $3)); do
  if idle "$1"; then ((++quiet)); else quiet=0; fi
  ((quiet >= 3)) && break
  sleep 1
done
exit 0
