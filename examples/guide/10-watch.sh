# Watch replica counts in real time
kubectl get hpa -n demo -w
