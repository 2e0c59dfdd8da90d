#include "session.h"
#include <stdlib.h>

static bool name_copy(char **to, const char *name)
{
	*to = name ? strdup(name) : NULL;
	return !name || *to;
}

enum msp_status redis_session_init(struct redis_session *session, struct redis_endpoint *endpoint,
                                   const struct msp_consumer_config *config, struct msp_error *err)
{
	session->endpoint = endpoint;
	session->guarantee = config->guarantee;
	bool has_all = name_copy(&session->inputs, config->inputs) && name_copy(&session->outputs, config->outputs) &&
	               name_copy(&session->errors, config->errors) && name_copy(&session->group, config->group);
	return has_all ? MSP_OK : msp_error_set(err, MSP_E_NO_MEMORY, "no memory for a consumer");
}

void redis_session_done(struct redis_session *session)
{
	redis_link_done(&session->reads);
	redis_link_done(&session->writes);
	redis_lease_done(&session->lease);
	free(session->inputs);
	free(session->outputs);
	free(session->errors);
	free(session->group);
}
