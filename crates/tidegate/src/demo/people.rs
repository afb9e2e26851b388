//! Names, towns and streets of people in many scripts, as lists to draw from.

use super::random::Draw;

/// People of one country: how they are called and where they live.
pub(super) struct Culture {
    pub(super) country: &'static str,
    pub(super) locale: &'static str,
    pub(super) currency: &'static str,
    /// Value added tax in thousandths.
    pub(super) tax_permille: u64,
    /// First digits of phone numbers that are kept free for fiction, or look like it.
    pub(super) phone: &'static str,
    /// Given names, each with a form for e-mail addresses.
    pub(super) given: &'static [(&'static str, &'static str)],
    /// Family names, each with a form for e-mail addresses.
    pub(super) family: &'static [(&'static str, &'static str)],
    /// Towns, each with a postcode.
    pub(super) towns: &'static [(&'static str, &'static str)],
    /// Streets with `#` for the number of the house.
    pub(super) streets: &'static [&'static str],
    pub(super) is_family_name_first: bool,
}

/// A person's name.
pub(super) struct Name {
    pub(super) given: &'static str,
    pub(super) family: &'static str,
    pub(super) display: String,
    /// The name in small letters of ASCII: `zoe.d-arcy`.
    pub(super) ascii: String,
}

impl Culture {
    pub(super) fn name(&self, draw: &mut Draw) -> Name {
        let (given, given_ascii) = self.given[draw.below(self.given.len() as u64) as usize];
        let (family, family_ascii) = self.family[draw.below(self.family.len() as u64) as usize];
        let display = match (self.is_family_name_first, draw.below(60)) {
            (true, _) => format!("{family}{}{given}", self.gap()),
            (false, 0) => format!("{given} \"{}\" {family}", capital(given_ascii)),
            (false, 1) => format!("{family}, {given}"),
            (false, 2) => format!("Dr. {given} {family}"),
            (false, _) => format!("{given} {family}"),
        };
        Name { given, family, display, ascii: format!("{given_ascii}.{family_ascii}") }
    }

    /// Chinese, Japanese and Korean names are written without a space.
    fn gap(&self) -> &'static str {
        if matches!(self.country, "CN" | "JP" | "KR") { "" } else { " " }
    }

    pub(super) fn phone(&self, draw: &mut Draw) -> String {
        format!("{} {:04}", self.phone, draw.below(10_000))
    }

    pub(super) fn town(&self, draw: &mut Draw) -> (&'static str, &'static str) {
        self.towns[draw.below(self.towns.len() as u64) as usize]
    }

    pub(super) fn street(&self, draw: &mut Draw) -> String {
        let number = draw.between(1, 240).to_string();
        draw.pick(self.streets).replace('#', &number)
    }
}

/// A country, with more of some than of others.
pub(super) fn culture(draw: &mut Draw) -> &'static Culture {
    /// Draws from the first few are added, as a shop sells most near its home.
    const NEAR: u64 = 5;
    let all = CULTURES.len() as u64;
    let at = draw.below(all + NEAR * 2);
    &CULTURES[(if at < all { at } else { (at - all) % NEAR }) as usize]
}

/// Where the shop has its counter.
pub(super) fn home() -> &'static Culture {
    &CULTURES[0]
}

fn capital(word: &str) -> String {
    let (first, rest) = word.split_at(word.len().min(1));
    format!("{}{rest}", first.to_uppercase())
}

static CULTURES: &[Culture] = &[
    Culture {
        country: "DE",
        locale: "de-DE",
        currency: "EUR",
        tax_permille: 190,
        phone: "+49 1555 01",
        given: &[
            ("Jürgen", "juergen"),
            ("Anke", "anke"),
            ("Björn", "bjoern"),
            ("Käthe", "kaethe"),
            ("Lennart", "lennart"),
            ("Sophie-Charlotte", "sophie-charlotte"),
        ],
        family: &[
            ("Müller", "mueller"),
            ("Schröder", "schroeder"),
            ("von der Heide", "vonderheide"),
            ("Groß", "gross"),
            ("Behrens", "behrens"),
            ("Yılmaz", "yilmaz"),
        ],
        towns: &[
            ("Hamburg", "20457"),
            ("Köln", "50667"),
            ("Greifswald", "17489"),
            ("Berlin", "10115"),
        ],
        streets: &["Am Sandtorkai #", "Lange Straße #", "Deichweg #a", "Große Elbstraße #"],
        is_family_name_first: false,
    },
    Culture {
        country: "GB",
        locale: "en-GB",
        currency: "GBP",
        tax_permille: 200,
        phone: "+44 7700 90",
        given: &[
            ("Grace", "grace"),
            ("Oliver", "oliver"),
            ("Siân", "sian"),
            ("Imran", "imran"),
            ("Zoë", "zoe"),
            ("Callum", "callum"),
        ],
        family: &[
            ("O'Brien", "obrien"),
            ("Smith", "smith"),
            ("Patel", "patel"),
            ("MacLeod", "macleod"),
            ("Featherstonehaugh", "featherstonehaugh"),
            ("D'Arcy", "d-arcy"),
        ],
        towns: &[
            ("Leeds", "LS1 4AP"),
            ("Whitby", "YO21 3PU"),
            ("Stoke-on-Trent", "ST4 2DE"),
            ("Llanfairpwll", "LL61 5UJ"),
        ],
        streets: &["# Harbour Row", "Flat 3, # Quay Street", "The Old Mill, # Weir Lane"],
        is_family_name_first: false,
    },
    Culture {
        country: "US",
        locale: "en-US",
        currency: "USD",
        tax_permille: 83,
        phone: "+1 202 555",
        given: &[
            ("Noah", "noah"),
            ("Ava", "ava"),
            ("DeShawn", "deshawn"),
            ("María José", "maria-jose"),
            ("Liam", "liam"),
            ("Mary-Lou", "mary-lou"),
        ],
        family: &[
            ("Johnson", "johnson"),
            ("Nguyen", "nguyen"),
            ("García", "garcia"),
            ("Null", "null"),
            ("True", "true"),
            ("Smith III", "smith"),
        ],
        towns: &[
            ("Austin", "73301"),
            ("Boston", "02108"),
            ("Coeur d'Alene", "83814"),
            ("St. Louis", "63101"),
        ],
        streets: &["# Main St", "# N. 5th Ave, Apt 2", "# Martha's Vineyard Rd"],
        is_family_name_first: false,
    },
    Culture {
        country: "FR",
        locale: "fr-FR",
        currency: "EUR",
        tax_permille: 200,
        phone: "+33 6 39 98",
        given: &[
            ("Chloé", "chloe"),
            ("François", "francois"),
            ("Maëlle", "maelle"),
            ("Noël", "noel"),
            ("Inès", "ines"),
        ],
        family: &[
            ("Lefèvre", "lefevre"),
            ("D’Artagnan", "dartagnan"),
            ("Dubois", "dubois"),
            ("Nuñez", "nunez"),
            ("L’Œuvre", "loeuvre"),
        ],
        towns: &[("Lyon", "69001"), ("L’Haÿ-les-Roses", "94240"), ("Brest", "29200")],
        streets: &["# rue de l’Église", "# bis, quai d’Orléans", "# avenue du Général-Leclerc"],
        is_family_name_first: false,
    },
    Culture {
        country: "SE",
        locale: "sv-SE",
        currency: "SEK",
        tax_permille: 250,
        phone: "+46 70 174 06",
        given: &[("Åsa", "asa"), ("Göran", "goran"), ("Märta", "marta"), ("Emil", "emil")],
        family: &[
            ("Svensson", "svensson"),
            ("Öberg", "oberg"),
            ("Ångström", "angstrom"),
            ("Lindqvist", "lindqvist"),
        ],
        towns: &[("Göteborg", "411 01"), ("Malmö", "211 20"), ("Åre", "837 52")],
        streets: &["Skeppsbron #", "Östra Hamngatan #", "Älvvägen #"],
        is_family_name_first: false,
    },
    Culture {
        country: "ES",
        locale: "es-ES",
        currency: "EUR",
        tax_permille: 210,
        phone: "+34 600 000",
        given: &[
            ("José", "jose"),
            ("Begoña", "begona"),
            ("Núria", "nuria"),
            ("Íñigo", "inigo"),
            ("Mª Ángeles", "m-angeles"),
        ],
        family: &[
            ("García-Márquez", "garcia-marquez"),
            ("Peña", "pena"),
            ("Ibáñez", "ibanez"),
            ("de la Cruz", "delacruz"),
        ],
        towns: &[("Málaga", "29001"), ("A Coruña", "15001"), ("L’Hospitalet", "08901")],
        streets: &["C/ Mayor, #, 2º izq.", "Pl. de España, #", "Camiño do Faro, #"],
        is_family_name_first: false,
    },
    Culture {
        country: "BR",
        locale: "pt-BR",
        currency: "BRL",
        tax_permille: 170,
        phone: "+55 11 95555",
        given: &[("João", "joao"), ("Conceição", "conceicao"), ("Inês", "ines"), ("Davi", "davi")],
        family: &[
            ("da Silva", "dasilva"),
            ("Gonçalves", "goncalves"),
            ("Araújo", "araujo"),
            ("Sant’Anna", "santanna"),
        ],
        towns: &[("São Paulo", "01310-100"), ("Florianópolis", "88010-000")],
        streets: &["Rua da Praia, #", "Av. Beira-Mar, # – ap. 12"],
        is_family_name_first: false,
    },
    Culture {
        country: "PL",
        locale: "pl-PL",
        currency: "EUR",
        tax_permille: 230,
        phone: "+48 601 00",
        given: &[("Łukasz", "lukasz"), ("Małgorzata", "malgorzata"), ("Żaneta", "zaneta")],
        family: &[
            ("Wójcik", "wojcik"),
            ("Brzęczyszczykiewicz", "brzeczyszczykiewicz"),
            ("Kowalska", "kowalska"),
        ],
        towns: &[("Kraków", "30-001"), ("Łódź", "90-001"), ("Gdańsk", "80-001")],
        streets: &["ul. Długa #/4", "al. Jana Pawła II #"],
        is_family_name_first: false,
    },
    Culture {
        country: "JP",
        locale: "ja-JP",
        currency: "JPY",
        tax_permille: 100,
        phone: "+81 90 0000",
        given: &[("葵", "aoi"), ("太郎", "taro"), ("さくら", "sakura"), ("ジェームズ", "james")],
        family: &[
            ("田中", "tanaka"),
            ("佐藤", "sato"),
            ("渡邊", "watanabe"),
            ("髙橋", "takahashi"),
        ],
        towns: &[("大阪市", "530-0001"), ("東京都港区", "105-0011"), ("札幌市", "060-0001")],
        streets: &["海岸1丁目#-3", "本町#番地", "中央区北2条西#丁目"],
        is_family_name_first: true,
    },
    Culture {
        country: "CN",
        locale: "zh-CN",
        currency: "USD",
        tax_permille: 130,
        phone: "+86 199 0000",
        given: &[("伟", "wei"), ("秀英", "xiuying"), ("子涵", "zihan"), ("𠮷祥", "jixiang")],
        family: &[("王", "wang"), ("欧阳", "ouyang"), ("李", "li"), ("吕", "lu")],
        towns: &[("上海市", "200000"), ("厦门市", "361000")],
        streets: &["滨江大道#号", "中山路#号2单元"],
        is_family_name_first: true,
    },
    Culture {
        country: "KR",
        locale: "ko-KR",
        currency: "USD",
        tax_permille: 100,
        phone: "+82 10 0000",
        given: &[("민준", "minjun"), ("서연", "seoyeon"), ("하은", "haeun")],
        family: &[("김", "kim"), ("이", "lee"), ("남궁", "namgung")],
        towns: &[("서울특별시", "04524"), ("부산광역시", "48060")],
        streets: &["해운대로 #", "세종대로 #길 5"],
        is_family_name_first: true,
    },
    Culture {
        country: "UA",
        locale: "uk-UA",
        currency: "EUR",
        tax_permille: 200,
        phone: "+380 39 555",
        given: &[("Олена", "olena"), ("Сергій", "serhii"), ("Катя", "katia"), ("Їжак", "yizhak")],
        family: &[("Шевченко", "shevchenko"), ("Іванова", "ivanova"), ("Кравець", "kravets")],
        towns: &[("Київ", "01001"), ("Одеса", "65000"), ("Львів", "79000")],
        streets: &["вул. Портова, #", "просп. Перемоги, #, кв. 7"],
        is_family_name_first: false,
    },
    Culture {
        country: "GR",
        locale: "el-GR",
        currency: "EUR",
        tax_permille: 240,
        phone: "+30 690 000",
        given: &[("Γιώργος", "giorgos"), ("Ελένη", "eleni"), ("Ζωή", "zoi")],
        family: &[("Παπαδόπουλος", "papadopoulos"), ("Ωνάση", "onasi")],
        towns: &[("Αθήνα", "105 57"), ("Ηράκλειο", "712 01")],
        streets: &["Λεωφόρος Ποσειδώνος #", "Οδός Ερμού #"],
        is_family_name_first: false,
    },
    Culture {
        country: "EG",
        locale: "ar-EG",
        currency: "USD",
        tax_permille: 140,
        phone: "+20 100 000",
        given: &[("محمد", "mohamed"), ("فاطمة", "fatma"), ("يوسف", "youssef"), ("نُور", "nour")],
        family: &[("الحداد", "elhaddad"), ("عبد الرحمن", "abdelrahman"), ("حسن", "hassan")],
        towns: &[("الإسكندرية", "5423001"), ("القاهرة", "4272101")],
        streets: &["# شارع البحر", "شارع النيل، عمارة #"],
        is_family_name_first: false,
    },
    Culture {
        country: "IL",
        locale: "he-IL",
        currency: "USD",
        tax_permille: 180,
        phone: "+972 55 500",
        given: &[("נועה", "noa"), ("דוד", "david"), ("יעל", "yael")],
        family: &[("כהן", "cohen"), ("בן־דוד", "ben-david"), ("לוי", "levi")],
        towns: &[("תל אביב-יפו", "6100000"), ("חיפה", "3100000")],
        streets: &["רחוב הנמל #", "שד׳ רוטשילד #"],
        is_family_name_first: false,
    },
    Culture {
        country: "IN",
        locale: "hi-IN",
        currency: "USD",
        tax_permille: 180,
        phone: "+91 99999 0",
        given: &[("आरव", "aarav"), ("प्रिया", "priya"), ("Lakshmi", "lakshmi"), ("தமிழ்", "tamil")],
        family: &[("शर्मा", "sharma"), ("Iyer", "iyer"), ("Krishnamurthy", "krishnamurthy")],
        towns: &[("मुंबई", "400001"), ("Chennai", "600001")],
        streets: &["#, M.G. Road", "#/B, समुद्र मार्ग"],
        is_family_name_first: false,
    },
    Culture {
        country: "VN",
        locale: "vi-VN",
        currency: "USD",
        tax_permille: 100,
        phone: "+84 90 000",
        given: &[("Ánh", "anh"), ("Đức", "duc"), ("Thị Hồng", "thi-hong")],
        family: &[("Nguyễn", "nguyen"), ("Trần", "tran"), ("Phạm", "pham")],
        towns: &[("Đà Nẵng", "550000"), ("Hải Phòng", "180000")],
        streets: &["# Bạch Đằng", "# Trần Hưng Đạo, P. 3"],
        is_family_name_first: true,
    },
    Culture {
        country: "NG",
        locale: "en-NG",
        currency: "USD",
        tax_permille: 75,
        phone: "+234 803 000",
        given: &[("Chinẹdu", "chinedu"), ("Adébáyọ̀", "adebayo"), ("Ngozi", "ngozi")],
        family: &[("Okafor", "okafor"), ("Ṣóyínká", "soyinka"), ("Obi-Okoye", "obi-okoye")],
        towns: &[("Lagos", "100001"), ("Ìbàdàn", "200001")],
        streets: &["# Marina Road", "Plot #, Admiralty Way"],
        is_family_name_first: false,
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_culture_can_be_drawn_and_no_list_of_it_is_empty() {
        let mut draw = Draw::new(1, "cultures", 1);
        let drawn: std::collections::BTreeSet<&str> =
            (0..2000).map(|_| culture(&mut draw).country).collect();
        assert_eq!(drawn.len(), CULTURES.len());
        for culture in CULTURES {
            assert!(!culture.name(&mut draw).display.is_empty());
            assert!(!culture.street(&mut draw).contains('#'));
            assert!(!culture.town(&mut draw).0.is_empty());
        }
    }

    #[test]
    fn forms_for_addresses_are_small_ascii_letters() {
        for culture in CULTURES {
            for (_, ascii) in culture.given.iter().chain(culture.family) {
                assert!(
                    ascii.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'),
                    "{ascii}"
                );
            }
        }
    }
}
