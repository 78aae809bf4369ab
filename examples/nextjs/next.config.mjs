// `standalone` puts a server with just the packages that it needs into `.next/standalone`: that is what goes to Lambda.
export default { output: "standalone", outputFileTracingRoot: import.meta.dirname, compress: false };
