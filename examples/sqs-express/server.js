// An Express application that works off a queue or a stream. The adapter posts each batch to /events; what could not be
// done is named in the answer, and only that comes again.

const express = require("express");

const app = express();
const done = [];

// What tells one source from another: how a record is named in the answer, and where its message stands.
const sources = {
  "aws:sqs": { name: (record) => record.messageId, message: (record) => record.body, inOrder: false },
  "aws:kinesis": {
    name: (record) => record.kinesis.sequenceNumber,
    message: (record) => Buffer.from(record.kinesis.data, "base64").toString(),
    inOrder: true,
  },
  "aws:dynamodb": {
    name: (record) => record.dynamodb.SequenceNumber,
    message: (record) => record.dynamodb.NewImage.message.S,
    inOrder: true,
  },
};

app.post("/events", express.json({ limit: "20mb" }), (request, response) => {
  const batchItemFailures = [];
  for (const record of request.body.Records) {
    const source = sources[record.eventSource];
    try {
      work(JSON.parse(source.message(record)));
    } catch (error) {
      console.log(`${source.name(record)}: ${error.message}`);
      batchItemFailures.push({ itemIdentifier: source.name(record) });
      // A stream is read again from its first failure on, so that nothing behind it is done twice.
      if (source.inOrder) break;
    }
  }
  response.json({ batchItemFailures });
});

function work(order) {
  if (!(order.amount > 0)) throw new Error("an order needs an amount");
  done.push(order);
}

app.get("/done", (request, response) => response.json(done));

app.listen(Number(process.env.PORT), "127.0.0.1");
