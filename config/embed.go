package config

import "embed"

// Files is the tree below config/.
//
//go:embed default rbac manager prometheus
var Files embed.FS
