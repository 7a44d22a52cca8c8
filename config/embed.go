package config

import "embed"

// Files is the tree below config/.
//
//go:embed complete default drain gateway manager monitoring prometheus rbac
var Files embed.FS
