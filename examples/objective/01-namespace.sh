# An administrator lets the namespace state objectives.
kubectl create namespace demo --dry-run=client -o yaml | kubectl apply -f -
kubectl label namespace demo flyball.dev/objectives=enabled --overwrite
