// Reads a log with the packages of the Go checksum database, and prints what it accepted.
//
//	sumdb https://packages.example.org/log VKEY
//
// It opens the checkpoint, reads every tile and every entry, and checks a hundred proofs of
// inclusion and some of consistency. The first thing that is not accepted ends it with status 1.
package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	height = 8
	proofs = 100
)

func main() {
	log.SetFlags(0)
	address := os.Args[1]
	tree := checkpoint(address, os.Args[2])
	reader := &tiles{address: address}
	if tree.N > 0 {
		readEveryTile(tree, reader)
	}
	hashes := readEveryEntry(address, tree)
	compare(tree, reader, hashes)
	checked := prove(tree, reader, hashes)
	fmt.Printf("%d entries, %d tiles, %d proofs\n", tree.N, len(reader.saved), checked)
}

// checkpoint returns the tree of the checkpoint, which the key has to have signed.
func checkpoint(address, key string) tlog.Tree {
	verifier, err := note.NewVerifier(key)
	require(err)
	opened, err := note.Open(get(address+"/checkpoint"), note.VerifierList(verifier))
	require(err)
	lines := strings.Split(opened.Text, "\n")
	if len(lines) < 4 || lines[0] != verifier.Name() {
		log.Fatalf("the checkpoint is of %q, and the key of %q", lines[0], verifier.Name())
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	require(err)
	root, err := tlog.ParseHash(lines[2])
	require(err)
	return tlog.Tree{N: size, Hash: root}
}

// tiles reads tiles as c2sp.org/tlog-tiles names them: without the height, which is always 8.
type tiles struct {
	address string
	saved   map[tlog.Tile][]byte
}

func (t *tiles) Height() int { return height }

func (t *tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var found [][]byte
	for _, tile := range wanted {
		content, known := t.saved[tile]
		if !known {
			content = get(t.address + "/tile/" + strings.TrimPrefix(tile.Path(), "tile/8/"))
		}
		found = append(found, content)
	}
	return found, nil
}

// SaveTiles gets the tiles that belong to the tree.
func (t *tiles) SaveTiles(proven []tlog.Tile, content [][]byte) {
	if t.saved == nil {
		t.saved = map[tlog.Tile][]byte{}
	}
	for number, tile := range proven {
		t.saved[tile] = content[number]
	}
}

// readEveryTile reads each hash that a tile holds. The reader proves a tile before it gives any.
func readEveryTile(tree tlog.Tree, reader *tiles) {
	var wanted []int64
	for _, tile := range tlog.NewTiles(height, 0, tree.N) {
		for place := range tile.W {
			wanted = append(wanted, tlog.StoredHashIndex(tile.L*height, tile.N<<height+int64(place)))
		}
	}
	_, err := tlog.TileHashReader(tree, reader).ReadHashes(wanted)
	require(err)
}

// readEveryEntry returns the hashes of all entries.
func readEveryEntry(address string, tree tlog.Tree) []tlog.Hash {
	var hashes []tlog.Hash
	for int64(len(hashes)) < tree.N {
		tile := tlog.Tile{H: height, L: -1, N: int64(len(hashes)) >> height}
		tile.W = int(min(tree.N-int64(len(hashes)), 1<<height))
		path := strings.Replace(tile.Path(), "tile/8/data", "tile/entries", 1)
		content := get(address + "/" + path)
		for range tile.W {
			length := 2 + int(binary.BigEndian.Uint16(content))
			hashes = append(hashes, tlog.RecordHash(content[2:length]))
			content = content[length:]
		}
		if len(content) > 0 {
			log.Fatalf("%s has more than its entries", path)
		}
	}
	return hashes
}

// compare checks that each entry is the one that its tile has at its place.
func compare(tree tlog.Tree, reader *tiles, hashes []tlog.Hash) {
	var wanted []int64
	for index := range hashes {
		wanted = append(wanted, tlog.StoredHashIndex(0, int64(index)))
	}
	if len(wanted) == 0 {
		return
	}
	proven, err := tlog.TileHashReader(tree, reader).ReadHashes(wanted)
	require(err)
	for index, hash := range proven {
		if hash != hashes[index] {
			log.Fatalf("the entry %d is another one than its tile has", index)
		}
	}
}

// prove checks that entries are in the tree, and that smaller trees are its beginning.
func prove(tree tlog.Tree, reader *tiles, hashes []tlog.Hash) int {
	proven := tlog.TileHashReader(tree, reader)
	checked := 0
	for number := range int64(proofs) {
		if tree.N == 0 {
			break
		}
		index := number * 7919 % tree.N
		proof, err := tlog.ProveRecord(tree.N, index, proven)
		require(err)
		require(tlog.CheckRecord(proof, tree.N, tree.Hash, index, hashes[index]))
		older, err := tlog.TreeHash(index+1, proven)
		require(err)
		consistency, err := tlog.ProveTree(tree.N, index+1, proven)
		require(err)
		require(tlog.CheckTree(consistency, tree.N, tree.Hash, index+1, older))
		checked++
	}
	return checked
}

func get(url string) []byte {
	answer, err := http.Get(url)
	require(err)
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	require(err)
	if answer.StatusCode != http.StatusOK {
		log.Fatalf("%s: %s", url, answer.Status)
	}
	return content
}

func require(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
