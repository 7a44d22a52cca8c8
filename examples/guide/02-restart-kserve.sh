kubectl rollout restart deployment kserve-controller-manager -n kserve
