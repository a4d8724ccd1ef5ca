package topic

import (
	"github.com/segmentio/kafka-go/protocol"
)

// Two requests that the client library does not have, in Kafka's form: https://kafka.apache.org/protocol#The_Messages_DeleteRecords
// and https://kafka.apache.org/protocol#The_Messages_DescribeLogDirs.
func init() {
	protocol.Register(&DeleteRecordsRequest{}, &DeleteRecordsResponse{})
	protocol.Register(&LogDirsRequest{}, &LogDirsResponse{})
}

// DeleteRecordsRequest moves the start of partitions. All of them must have the same leader.
type DeleteRecordsRequest struct {
	Topics    []DeleteRecordsTopic `kafka:"min=v0,max=v1"`
	TimeoutMS int32                `kafka:"min=v0,max=v1"`
}

// DeleteRecordsTopic is a topic of the request.
type DeleteRecordsTopic struct {
	Name       string                   `kafka:"min=v0,max=v1"`
	Partitions []DeleteRecordsPartition `kafka:"min=v0,max=v1"`
}

// DeleteRecordsPartition says which offset becomes the first.
type DeleteRecordsPartition struct {
	Index  int32 `kafka:"min=v0,max=v1"`
	Offset int64 `kafka:"min=v0,max=v1"`
}

// DeleteRecordsResponse is its answer.
type DeleteRecordsResponse struct {
	ThrottleTimeMS int32                 `kafka:"min=v0,max=v1"`
	Topics         []DeletedRecordsTopic `kafka:"min=v0,max=v1"`
}

// DeletedRecordsTopic is a topic of the answer.
type DeletedRecordsTopic struct {
	Name       string                    `kafka:"min=v0,max=v1"`
	Partitions []DeletedRecordsPartition `kafka:"min=v0,max=v1"`
}

// DeletedRecordsPartition says what became of a partition.
type DeletedRecordsPartition struct {
	Index        int32 `kafka:"min=v0,max=v1"`
	LowWatermark int64 `kafka:"min=v0,max=v1"`
	ErrorCode    int16 `kafka:"min=v0,max=v1"`
}

// ApiKey implements protocol.Message.
func (r *DeleteRecordsRequest) ApiKey() protocol.ApiKey { return protocol.DeleteRecords }

// ApiKey implements protocol.Message.
func (r *DeleteRecordsResponse) ApiKey() protocol.ApiKey { return protocol.DeleteRecords }

// Broker implements protocol.BrokerMessage: the leader.
func (r *DeleteRecordsRequest) Broker(c protocol.Cluster) (protocol.Broker, error) {
	return leader(c, r.Topics[0].Name, r.Topics[0].Partitions[0].Index)
}

// LogDirsRequest asks for the size of partitions. All of them must have the same leader.
type LogDirsRequest struct {
	Topics []LogDirsTopic `kafka:"min=v1,max=v1"`
}

// LogDirsTopic is a topic of the request.
type LogDirsTopic struct {
	Name       string  `kafka:"min=v1,max=v1"`
	Partitions []int32 `kafka:"min=v1,max=v1"`
}

// LogDirsResponse is its answer.
type LogDirsResponse struct {
	ThrottleTimeMS int32    `kafka:"min=v1,max=v1"`
	Dirs           []LogDir `kafka:"min=v1,max=v1"`
}

// LogDir is a folder of the broker.
type LogDir struct {
	ErrorCode int16         `kafka:"min=v1,max=v1"`
	Name      string        `kafka:"min=v1,max=v1"`
	Topics    []LogDirTopic `kafka:"min=v1,max=v1"`
}

// LogDirTopic is a topic in a folder.
type LogDirTopic struct {
	Name       string            `kafka:"min=v1,max=v1"`
	Partitions []LogDirPartition `kafka:"min=v1,max=v1"`
}

// LogDirPartition is a partition in a folder; Future: it is on its way there from another folder.
type LogDirPartition struct {
	Index  int32 `kafka:"min=v1,max=v1"`
	Size   int64 `kafka:"min=v1,max=v1"`
	Lag    int64 `kafka:"min=v1,max=v1"`
	Future bool  `kafka:"min=v1,max=v1"`
}

// ApiKey implements protocol.Message.
func (r *LogDirsRequest) ApiKey() protocol.ApiKey { return protocol.DescribeLogDirs }

// ApiKey implements protocol.Message.
func (r *LogDirsResponse) ApiKey() protocol.ApiKey { return protocol.DescribeLogDirs }

// Broker implements protocol.BrokerMessage: the leader.
func (r *LogDirsRequest) Broker(c protocol.Cluster) (protocol.Broker, error) {
	return leader(c, r.Topics[0].Name, r.Topics[0].Partitions[0])
}

func leader(c protocol.Cluster, name string, partition int32) (protocol.Broker, error) {
	p, ok := c.Topics[name].Partitions[partition]
	if !ok {
		return protocol.Broker{ID: -1}, protocol.NewErrNoPartition(name, partition)
	}
	b, ok := c.Brokers[p.Leader]
	if !ok {
		return protocol.Broker{ID: -1}, protocol.NewErrNoLeader(name, partition)
	}
	return b, nil
}
