#include "codec_contract.h"
#include <msp_codec_msgpack.h>

int main(void)
{
	return codec_contract_run(&msp_codec_msgpack);
}
