package registered

// Moves are what was done to a registered model's versions, the newest first.
type Moves struct {
	Transitions  []Transition  `json:"transitions" description:"Changes of stages, the newest first. With alias_changes at most 10000."`
	AliasChanges []AliasChange `json:"alias_changes" description:"What aliases pointed to, the newest first."`
}

// Transition is a change of a version's stage; stages are as MLflow names them.
type Transition struct {
	Version uint64 `json:"version,string"`
	From    string `json:"from_stage"`
	To      string `json:"to_stage"`
	// TimeMS is in milliseconds since the epoch.
	TimeMS int64 `json:"time_ms"`
	// By is who did it; empty if nobody said.
	By string `json:"by"`
	// Comment says why, if anybody did.
	Comment string `json:"comment"`
}

// AliasChange points an alias from one version to another; an empty one is none.
type AliasChange struct {
	Alias  string `json:"alias"`
	From   string `json:"from_version"`
	To     string `json:"to_version"`
	TimeMS int64  `json:"time_ms"`
	By     string `json:"by"`
}
