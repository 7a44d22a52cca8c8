package config

import "embed"

// Files is the tree below config/.
//
//go:embed complete crd default drain gateway keda manager monitoring native prometheus rbac scaler
var Files embed.FS
