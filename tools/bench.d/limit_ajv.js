// The limit beside validating a payload: ajv, compiled. Reads {schema,
// payload} from a file; prints JSON: ns a payload, of the median round.
//
//	node limit_ajv.js NODE_MODULES FILE
"use strict";

const path = require("path");
const fs = require("fs");
const Ajv = require(path.join(path.resolve(process.argv[2]), "ajv"));

const { schema, payload } = JSON.parse(fs.readFileSync(process.argv[3]));
const validate = new Ajv().compile(schema);
const ROUNDS = 15, CALLS = 200000;

const took = [];
for (let round = 0; round < ROUNDS; round++) {
	const began = process.hrtime.bigint();
	let good = 0;
	for (let i = 0; i < CALLS; i++)
		good += validate(payload) ? 1 : 0;
	took.push(Number(process.hrtime.bigint() - began) / CALLS);
	if (good !== CALLS)
		throw new Error("ajv refuses the payload");
}
took.sort((a, b) => a - b);
console.log(JSON.stringify({ ns: took[ROUNDS >> 1], node: process.version }));
