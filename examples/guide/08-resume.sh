# The guide forgets this step: the stop annotation stays until it is removed.
kubectl annotate inferenceservice llama -n demo \
  serving.kserve.io/stop-
