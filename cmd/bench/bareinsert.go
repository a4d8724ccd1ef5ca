package main

import (
	"context"
	"time"

	"github.com/streamgauge/streamgauge/cmd/bench/bare"
	"github.com/streamgauge/streamgauge/consumers/clickhouse"
)

type bareResult struct {
	rows      int64
	took, cpu time.Duration
}

// bareInsert inserts half before and half after a load, together as long as it: the engine merges as much beside both.
func (t *target) bareInsert(dir string, forAtLeast time.Duration) (bareResult, error) {
	config, err := engineConfig(dir)
	if err != nil {
		return bareResult{}, err
	}
	cpu := t.engineCPU()
	rows, took, err := bare.Load{Runs: frameRuns, Keys: frameKeys, Steps: frameSteps}.Insert(context.Background(), config, forAtLeast)
	if err != nil {
		return bareResult{}, err
	}
	return bareResult{rows, took, t.engineCPU() - cpu}, settle(config)
}

// settle waits until the engine merges no more, or for settleMax: what follows must not pay for what came before.
func settle(config clickhouse.Config) error {
	for end := time.Now().Add(settleMax); time.Now().Before(end); time.Sleep(time.Second) {
		merges, err := clickhouse.NewClient(config).Scalar(context.Background(), "SELECT count() AS x FROM system.merges")
		if err != nil || merges == 0 {
			return err
		}
	}
	return nil
}
