// Starts the built programs for the tests in JavaScript; the rules are those of support.py.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";

const root = resolve(import.meta.dirname, "../..");
export const environment = process.env.LAMBRIDGE_TEST_ENV ?? join(root, "target/test-env");
export const python = join(environment, "venv/bin/python");
export const functions = import.meta.dirname;
/** Takes packages from the test environment, which is not above this file. */
export const require = createRequire(join(environment, "package.json"));
const lambridge = process.env.LAMBRIDGE_BIN ?? join(root, "target/debug/lambridge");

/** Runs `lambridge emulator` with this text as its file; gives the address and how to end it. */
export function emulator(config) {
  const folder = mkdtempSync(join(tmpdir(), "lambridge-"));
  const file = join(folder, "lambridge.yaml");
  writeFileSync(file, config);
  const child = spawn(lambridge, ["emulator", "-c", file], { detached: true, stdio: ["ignore", "pipe", "inherit"] });
  const stop = () => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    } catch (error) {
      if (error.code !== "ESRCH") throw error;
    }
    rmSync(folder, { recursive: true, force: true });
  };
  let deadline;
  return new Promise((done, failed) => {
    deadline = setTimeout(() => failed(new Error("no address in 30 s")), 30_000);
    child.once("error", failed);
    child.once("exit", (code) => failed(new Error(`it ended with ${code}`)));
    createInterface({ input: child.stdout }).on("line", (line) => {
      const found = /emulator on (http:\/\/\S+)/.exec(line);
      if (!found) return;
      done({ endpoint: found[1], stop });
    });
  })
    .catch((error) => {
      stop();
      throw error;
    })
    .finally(() => clearTimeout(deadline));
}
