# SPDX-License-Identifier: GPL-2.0-only
# Copyright the anyport authors
# shellcheck shell=bash
#
# Certificates and keys of the lab: one authority for servers, one for members.

PKI_CURVE="-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 7"

pki_ca() { # file-name
	# shellcheck disable=SC2086
	openssl req -x509 $PKI_CURVE -subj "/CN=lab $1" -keyout "$1.key" \
		-out "$1.crt" -addext keyUsage=critical,keyCertSign 2>/dev/null
}

pki_cert() { # ca common-name file-name serverAuth|clientAuth
	# shellcheck disable=SC2086
	openssl req -x509 $PKI_CURVE -subj "/CN=$2" -CA "$LAB_DIR/pki/$1.crt" \
		-CAkey "$LAB_DIR/pki/$1.key" -keyout "$3.key" -out "$3.crt" \
		-addext basicConstraints=critical,CA:FALSE \
		-addext keyUsage=critical,digitalSignature \
		-addext extendedKeyUsage="$4" 2>/dev/null
}

pki_make() {
	mkdir -p "$LAB_DIR/pki" "$LAB_DIR/server/ccd"
	(
		set -e
		umask 077
		cd "$LAB_DIR/pki"
		pki_ca ca-servers
		pki_ca ca-members
		openvpn --genkey secret tls-crypt.key
		cd "$LAB_DIR/server"
		cp ../pki/ca-members.crt ../pki/tls-crypt.key .
		pki_cert ca-servers vpn.example.net server serverAuth
	) || lab_fail "openssl made no certificates"
	LAB_MEMBERS=0
}

# A member: certificate, profile directory, fixed addresses (MEMBER4, MEMBER6).
pki_member() { # name
	local dir=$LAB_DIR/member/$1 n
	if [ ! -d "$dir" ]; then
		mkdir -p "$dir"
		LAB_MEMBERS=$((LAB_MEMBERS + 1))
		echo $LAB_MEMBERS >"$dir/number"
		cp "$LAB_DIR/pki/ca-servers.crt" "$LAB_DIR/pki/tls-crypt.key" \
			"$dir" || return
		(cd "$dir" && pki_cert ca-members "$1" member clientAuth) ||
			lab_fail "openssl made no certificate for $1" || return
	fi
	read -r n <"$dir/number"
	MEMBER4=203.0.113.$((n + 9)) MEMBER6=2001:db8:2::$((n + 9))
	printf '%s\n' "ifconfig-push $MEMBER4 255.255.255.0" \
		"ifconfig-ipv6-push $MEMBER6/64 2001:db8:2::1" \
		>"$LAB_DIR/server/ccd/$1"
}
