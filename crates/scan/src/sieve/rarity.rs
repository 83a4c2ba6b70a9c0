//! How common each two letters are side by side in text and code: the
//! negative binary logarithm of their share, four taken off, as one hex digit.
//!
//! By the last five bits of each byte, first letter down, second across: `a`
//! and `A` are 1, a blank and `@` are 0. Counted over prose, manual pages and
//! source code. It only decides speed: a wrong digit makes the sieve stop
//! more often and never changes what is found.

pub(super) const RARITY: [&[u8; 32]; 32] = [
    b"1333444653684444454325547685449a",
    b"595558867687453a5944367886878cb8",
    b"4667858a956b56768966869aa69659a9",
    b"5576a487469678838a564697c98889c8",
    b"369a74a7857c7775997688aab97a89a5",
    b"25744666775c44376733486748696796",
    b"564aa678747f78756d4877ceb8966afa",
    b"58a9a5b9767c7766ac7787bbdf8c69b7",
    b"55759388647b8786987757aab99989b8",
    b"56645556c76845345b633b6c6c7787b9",
    b"46768778664b87365a8767a8bbc658bd",
    b"7ab9b69aa7acaa9acbb8aadccd9c89fa",
    b"35996479a45a59758ca666aae69d8ac8",
    b"54667487857a647556667688998a6998",
    b"356544647448676557634678a78a68c6",
    b"4665585697776434593555659b9b79a7",
    b"556985ca86585975595554a9888878b8",
    b"889a9abac89d898b7878868998a889d7",
    b"34666386846766547865557886786696",
    b"367793995469664557553679965877d6",
    b"3476738a335c66645a455698967878a6",
    b"77478687e79b66586954598b6ab999da",
    b"86aac5c7d6aeaaa88a897aab9ac999c9",
    b"76bcd7ca65aaaa87bc78a9a8bab979fa",
    b"679ab8cda7ad99896aa9699a899688b9",
    b"499bb9bba98d88766b977baaca8999d8",
    b"49a9a7ad997e9995aba999cbba6a8beb",
    b"57988a9bba4b9a9b9a99a6cbccb979bd",
    b"6a7a993a7a6ab4896cb6999acdca69bc",
    b"4b8cbdac695b9a9dbba9ccbbcd77869f",
    b"7ccedffdab8fbcccbcdfffffffcb9a7e",
    b"b676778996a98787796678889bcbcbcb",
];
