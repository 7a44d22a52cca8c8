# Some requests, as any client sends them. At zero they are held until a pod can answer them;
# one that is not answered in full is an error.
answers=$(HTTP_PROXY=$FLYBALL_PROXY flyball load --url http://asleep-demo.example.com/v1 --model asleep \
  --arrivals constant --rate 2 --duration 5s --input-tokens 500 --output-tokens 16) || { echo "$answers"; exit 1; }
echo "$answers" | head -n 2
