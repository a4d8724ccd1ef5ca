package decide

import (
	"fmt"
	"hash/fnv"
	"strings"
)

// MLflow's words for names that nobody chose.
var (
	predicates = strings.Fields(`
	abundant able abrasive adorable adaptable adventurous aged agreeable ambitious amazing amusing
	angry auspicious awesome bald beautiful bemused bedecked big bittersweet blushing bold bouncy
	brawny bright burly bustling calm capable carefree capricious caring casual charming chill classy
	clean clumsy colorful crawling dapper debonair dashing defiant delicate delightful dazzling
	efficient enchanting entertaining enthused exultant fearless flawless fortunate fun funny gaudy
	gentle gifted glamorous grandiose gregarious handsome hilarious honorable illustrious incongruous
	indecisive industrious intelligent inquisitive intrigued invincible judicious kindly languid
	learned legendary likeable loud luminous luxuriant lyrical magnificent marvelous masked melodic
	merciful mercurial monumental mysterious nebulous nervous nimble nosy omniscient orderly overjoyed
	peaceful painted persistent placid polite popular powerful puzzled rambunctious rare rebellious
	respected resilient righteous receptive redolent rogue rumbling salty sassy secretive selective
	sedate serious shivering skillful sincere skittish silent smiling sneaky sophisticated spiffy
	stately suave stylish tasteful thoughtful thundering traveling treasured trusting unequaled upset
	unique unleashed useful upbeat unruly valuable vaunted victorious welcoming whimsical wistful wise
	worried youthful zealous`)
	nouns = strings.Fields(`
	ant ape asp auk bass bat bear bee bird boar bug calf carp cat chimp cod colt conch cow crab crane
	croc crow cub deer doe dog dolphin donkey dove duck eel elk fawn finch fish flea fly foal fowl fox
	frog gnat gnu goat goose grouse grub gull hare hawk hen hog horse hound jay kit kite koi lamb lark
	loon lynx mare midge mink mole moose moth mouse mule newt owl ox panda penguin perch pig pug quail
	ram rat ray robin roo rook seal shad shark sheep shoat shrew shrike shrimp skink skunk sloth slug
	smelt snail snake snipe sow sponge squid squirrel stag steed stoat stork swan tern toad trout
	turtle vole wasp whale wolf worm wren yak zebra`)
)

const (
	randomNameBytesMax = 20
	randomNameTries    = 10
	randomNumbers      = 1001
)

// RandomName is a name as MLflow gives to runs and models without one, predicate-noun-int. It follows from the
// id, which is random.
func RandomName(id string) string {
	name := ""
	for try := range randomNameTries {
		h := fnv.New64a()
		_, _ = fmt.Fprint(h, id, try)
		n := h.Sum64()
		name = fmt.Sprintf("%s-%s-%d", predicates[n%uint64(len(predicates))], nouns[n>>16%uint64(len(nouns))], n>>32%randomNumbers)
		if len(name) <= randomNameBytesMax {
			return name
		}
	}
	return name[:randomNameBytesMax]
}
