kubectl annotate inferenceservice llama -n demo \
  serving.kserve.io/stop='true'
