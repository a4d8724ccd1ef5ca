package clickhouse

import "github.com/ClickHouse/ch-go"

// Forced is a store of its own whose statements must be answered by a projection.
func (s *Store) Forced() *Store {
	forced := New(s.opts)
	forced.settings = []ch.Setting{ch.SettingInt("force_optimize_projection", 1)}
	return forced
}
