# Some requests to both, as any client sends them. At zero they are held until a pod can answer them;
# one that is not answered in full is an error.
ask() {
  answers=$(HTTP_PROXY=$FLYBALL_PROXY flyball load --url http://$1-demo.example.com/v1 --model $1 \
    --arrivals constant --rate 2 --duration 5s --input-tokens 500 --output-tokens 16) || { echo "$1: $answers"; exit 1; }
  echo "$1:"
  echo "$answers" | head -n 2
}
ask asleep &
keda=$!
ask asleep-native &
wait $!
wait $keda
