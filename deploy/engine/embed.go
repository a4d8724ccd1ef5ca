// Package engine holds the pinned ClickHouse engine's npm files, so that the binary can install it anywhere.
package engine

import "embed"

// Files are package.json, its lock and npm's settings.
//
//go:embed package.json package-lock.json .npmrc
var Files embed.FS
