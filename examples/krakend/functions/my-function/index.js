exports.handler = async (event, context) => {
    return {
        "message": `Hello from version ${context.functionVersion}`,
        "event": event,
    };
};
