// Reads a log with the client of filippo.io/torchwood, and prints what it accepted.
//
//	torchwood https://packages.example.org/log
//
// It verifies the checkpoint by the policy of the log, reads every entry, and checks a hundred
// proofs of inclusion. The first thing that is not accepted ends it with status 1.
package main

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"os"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/tlog"
)

const proofs = 100

func main() {
	log.SetFlags(0)
	ctx := context.Background()
	fetcher, err := torchwood.NewTileFetcher(os.Args[1], torchwood.WithConcurrencyLimit(4))
	require(err)
	client, err := torchwood.NewClient(fetcher)
	require(err)
	file, err := fetcher.ReadEndpoint(ctx, "policy")
	require(err)
	policy, err := torchwood.ParsePolicy(file)
	require(err)
	signed, err := fetcher.ReadEndpoint(ctx, "checkpoint")
	require(err)
	checkpoint, _, err := torchwood.VerifyCheckpoint(signed, policy)
	require(err)

	tree := tlog.Tree{N: checkpoint.N, Hash: checkpoint.Hash}
	var entries [][]byte
	for index, entry := range client.AllEntries(ctx, tree, 0) {
		if index != int64(len(entries)) {
			log.Fatalf("the entry %d follows %d entries", index, len(entries))
		}
		entries = append(entries, bytes.Clone(entry))
	}
	require(client.Err())
	if int64(len(entries)) != tree.N {
		log.Fatalf("%d entries, and the checkpoint has %d", len(entries), tree.N)
	}
	checked := 0
	for number := range int64(proofs) {
		if tree.N == 0 {
			break
		}
		index := number * 7919 % tree.N
		// It checks the proof before it returns it.
		entry, _, err := client.Entry(ctx, tree, index)
		require(err)
		if !bytes.Equal(entry, entries[index]) {
			log.Fatalf("the entry %d is another one than before", index)
		}
		checked++
	}
	fmt.Printf("%d entries, %d proofs\n", tree.N, checked)
}

func require(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
