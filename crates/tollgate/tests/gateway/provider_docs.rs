//! Every block of `docs/providers.md` is a configuration without a fault.

use tollgate_testkit::Gateway;

use crate::house::program;

#[tokio::test]
async fn every_set_up_of_the_page_loads() {
    let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/providers.md");
    let page = std::fs::read_to_string(page).unwrap();
    let blocks: Vec<_> = page
        .split("```toml\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap())
        .collect();
    assert!(blocks.len() >= 7, "{}", blocks.len());
    for block in blocks {
        let mut gateway = Gateway::builder(program()).config(block);
        for variable in block.split("${").skip(1) {
            let name = variable.split('}').next().unwrap();
            // Keys of agents must be long; every one is another.
            gateway = gateway.env(name, &format!("k-{name}-Zq7Xw4Vn9Bt2Lp6Rk3Mh8Jd5Fs1Gc"));
        }
        let checked = gateway.run(&["config", "check"]).await;
        assert_eq!(checked.code, Some(0), "{block}\n{checked:?}");
    }
}
