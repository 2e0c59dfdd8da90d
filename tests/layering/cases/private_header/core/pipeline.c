#include "../codecs/json/json_number.h"
