# Check the ScaledObject created by KServe
kubectl get scaledobject -n demo

# Check the KEDA-managed HPA
kubectl get hpa -n demo
