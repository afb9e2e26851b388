// Takes pictures of every page instead of testing: `cargo xtask shots`.
import tests from "./playwright.config.js";

export default { ...tests, testDir: "pictures", fullyParallel: false, workers: 1 };
