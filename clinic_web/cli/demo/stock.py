"""The demo's formulary, tests and shelves: common medicines of an outpatient pharmacy, invented batches.

Some are low, some expire soon, one is out of stock: so that every mark of the stock's pages can be seen.
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from random import Random

from clinic_web.catalog import api as catalog
from clinic_web.inventory import api as inventory
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.ids import code
from clinic_web.kernel.unit_of_work import transaction

# Name, Arabic name, strength, form, unit, price of one, reorder point.
MEDICINES = (
    ("Paracetamol", "باراسيتامول", "500 mg", "tablet", "tablet", "0.75", 200),
    ("Paracetamol syrup", "شراب باراسيتامول", "120 mg/5 ml", "syrup", "bottle", "18", 20),
    ("Ibuprofen", "إيبوبروفين", "400 mg", "tablet", "tablet", "1.25", 150),
    ("Ibuprofen syrup", "شراب إيبوبروفين", "100 mg/5 ml", "syrup", "bottle", "24", 20),
    ("Diclofenac", "ديكلوفيناك", "50 mg", "tablet", "tablet", "1.50", 100),
    ("Diclofenac gel", "جل ديكلوفيناك", "1 %", "gel", "tube", "32", 15),
    ("Aspirin", "أسبرين", "75 mg", "tablet", "tablet", "0.50", 150),
    ("Tramadol", "ترامادول", "50 mg", "capsule", "capsule", "4", 40),
    ("Amoxicillin", "أموكسيسيلين", "500 mg", "capsule", "capsule", "2.25", 150),
    ("Amoxicillin and clavulanate", "أموكسيسيلين وحمض الكلافولانيك", "1 g", "tablet", "tablet", "9.50", 80),
    ("Amoxicillin suspension", "معلق أموكسيسيلين", "250 mg/5 ml", "suspension", "bottle", "38", 15),
    ("Azithromycin", "أزيثروميسين", "500 mg", "tablet", "tablet", "16", 40),
    ("Cefixime", "سيفيكسيم", "400 mg", "capsule", "capsule", "14", 40),
    ("Ceftriaxone", "سيفترياكسون", "1 g", "injection", "vial", "45", 20),
    ("Ciprofloxacin", "سيبروفلوكساسين", "500 mg", "tablet", "tablet", "5", 60),
    ("Metronidazole", "ميترونيدازول", "500 mg", "tablet", "tablet", "1.10", 100),
    ("Clindamycin", "كليندامايسين", "300 mg", "capsule", "capsule", "6.50", 50),
    ("Doxycycline", "دوكسيسيكلين", "100 mg", "capsule", "capsule", "2.75", 50),
    ("Nitrofurantoin", "نيتروفورانتوين", "100 mg", "capsule", "capsule", "3.25", 40),
    ("Fluconazole", "فلوكونازول", "150 mg", "capsule", "capsule", "22", 15),
    ("Nystatin drops", "نقط نيستاتين", "100,000 IU/ml", "oral drops", "bottle", "28", 10),
    ("Aciclovir", "أسيكلوفير", "400 mg", "tablet", "tablet", "4.50", 40),
    ("Omeprazole", "أوميبرازول", "20 mg", "capsule", "capsule", "2", 100),
    ("Pantoprazole", "بانتوبرازول", "40 mg", "tablet", "tablet", "4.25", 60),
    ("Famotidine", "فاموتيدين", "40 mg", "tablet", "tablet", "1.75", 50),
    ("Domperidone", "دومبيريدون", "10 mg", "tablet", "tablet", "1", 60),
    ("Ondansetron", "أوندانسيترون", "4 mg", "tablet", "tablet", "7", 30),
    ("Loperamide", "لوبيراميد", "2 mg", "capsule", "capsule", "1.20", 40),
    ("Oral rehydration salts", "أملاح معالجة الجفاف", "20.5 g", "powder", "sachet", "3", 60),
    ("Hyoscine", "هيوسين", "10 mg", "tablet", "tablet", "1.60", 50),
    ("Lactulose", "لاكتولوز", "3.35 g/5 ml", "syrup", "bottle", "55", 10),
    ("Salbutamol inhaler", "بخاخ سالبوتامول", "100 mcg", "inhaler", "inhaler", "75", 10),
    ("Budesonide inhaler", "بخاخ بوديزونيد", "200 mcg", "inhaler", "inhaler", "190", 6),
    ("Montelukast", "مونتيلوكاست", "10 mg", "tablet", "tablet", "6", 40),
    ("Cetirizine", "سيتيريزين", "10 mg", "tablet", "tablet", "1.30", 60),
    ("Loratadine", "لوراتادين", "10 mg", "tablet", "tablet", "1.40", 60),
    ("Chlorphenamine syrup", "شراب كلورفينامين", "2 mg/5 ml", "syrup", "bottle", "16", 10),
    ("Prednisolone", "بريدنيزولون", "5 mg", "tablet", "tablet", "1.15", 60),
    ("Dexamethasone", "ديكساميثازون", "8 mg/2 ml", "injection", "ampoule", "12", 20),
    ("Hydrocortisone cream", "كريم هيدروكورتيزون", "1 %", "cream", "tube", "26", 10),
    ("Fusidic acid cream", "كريم حمض الفوسيديك", "2 %", "cream", "tube", "42", 10),
    ("Metformin", "ميتفورمين", "850 mg", "tablet", "tablet", "1.10", 200),
    ("Gliclazide", "جليكلازيد", "60 mg", "tablet", "tablet", "2.60", 80),
    ("Insulin glargine", "إنسولين جلارجين", "100 IU/ml", "injection", "pen", "310", 8),
    ("Insulin, soluble", "إنسولين سريع المفعول", "100 IU/ml", "injection", "vial", "95", 8),
    ("Levothyroxine", "ليفوثيروكسين", "50 mcg", "tablet", "tablet", "0.90", 80),
    ("Amlodipine", "أملوديبين", "5 mg", "tablet", "tablet", "1.80", 100),
    ("Bisoprolol", "بيسوبرولول", "5 mg", "tablet", "tablet", "1.95", 80),
    ("Enalapril", "إنالابريل", "10 mg", "tablet", "tablet", "1.35", 60),
    ("Losartan", "لوسارتان", "50 mg", "tablet", "tablet", "2.80", 80),
    ("Furosemide", "فوروسيميد", "40 mg", "tablet", "tablet", "0.85", 50),
    ("Atorvastatin", "أتورفاستاتين", "20 mg", "tablet", "tablet", "4.10", 100),
    ("Clopidogrel", "كلوبيدوجريل", "75 mg", "tablet", "tablet", "4.75", 60),
    ("Folic acid", "حمض الفوليك", "5 mg", "tablet", "tablet", "0.60", 80),
    ("Ferrous sulphate", "كبريتات الحديدوز", "200 mg", "tablet", "tablet", "0.95", 80),
    ("Vitamin D3", "فيتامين د٣", "50,000 IU", "capsule", "capsule", "11", 30),
    ("Timolol eye drops", "قطرة تيمولول للعين", "0.5 %", "eye drops", "bottle", "36", 10),
    ("Tobramycin eye drops", "قطرة توبرامايسين للعين", "0.3 %", "eye drops", "bottle", "48", 10),
    ("Artificial tears", "دموع صناعية", "0.5 %", "eye drops", "bottle", "44", 15),
    ("Chlorhexidine mouthwash", "غسول فم كلورهيكسيدين", "0.12 %", "mouthwash", "bottle", "39", 12),
    ("Lidocaine with adrenaline", "ليدوكايين مع أدرينالين", "2 %", "injection", "ampoule", "15", 60),
    ("Articaine", "أرتيكايين", "4 %", "injection", "ampoule", "21", 60),
)  # fmt: skip
CONTROLLED = {"Tramadol"}

# Code, name, Arabic name, specimen, price, minutes, at a time, preparation, the same in Arabic.
FASTING = ("Fast for 8 hours before; water is allowed.", "الصيام ٨ ساعات قبل التحليل، ويُسمح بشرب الماء.")
MORNING = ("First urine of the morning.", "أول بول في الصباح.")
NOTHING = ("", "")
TESTS = (
    ("CBC", "Complete blood count", "صورة دم كاملة", "blood", "120", 10, 6, NOTHING),
    ("FBS", "Fasting blood glucose", "سكر صائم", "blood", "50", 10, 6, FASTING),
    ("RBS", "Random blood glucose", "سكر عشوائي", "blood", "45", 10, 6, NOTHING),
    ("HBA1C", "Glycated haemoglobin", "السكر التراكمي", "blood", "180", 10, 6, NOTHING),
    ("LIPID", "Lipid profile", "دهون الدم", "blood", "210", 10, 6, FASTING),
    ("CREAT", "Creatinine", "كرياتينين", "blood", "60", 10, 6, NOTHING),
    ("UREA", "Urea", "يوريا", "blood", "60", 10, 6, NOTHING),
    ("ALT", "Alanine aminotransferase", "إنزيم الكبد ALT", "blood", "65", 10, 6, NOTHING),
    ("AST", "Aspartate aminotransferase", "إنزيم الكبد AST", "blood", "65", 10, 6, NOTHING),
    ("TSH", "Thyroid stimulating hormone", "الهرمون المنبه للغدة الدرقية", "blood", "190", 10, 6, NOTHING),
    ("FT4", "Free thyroxine", "هرمون الثيروكسين الحر", "blood", "190", 10, 6, NOTHING),
    ("CRP", "C-reactive protein", "البروتين المتفاعل سي", "blood", "110", 10, 6, NOTHING),
    ("ESR", "Erythrocyte sedimentation rate", "سرعة الترسيب", "blood", "50", 10, 6, NOTHING),
    ("URIC", "Uric acid", "حمض البوليك", "blood", "60", 10, 6, NOTHING),
    ("VITD", "Vitamin D", "فيتامين د", "blood", "450", 10, 6, NOTHING),
    ("FERR", "Ferritin", "مخزون الحديد", "blood", "220", 10, 6, NOTHING),
    ("INR", "Prothrombin time", "زمن البروثرومبين", "blood", "95", 10, 4, NOTHING),
    ("UA", "Urine analysis", "تحليل بول", "urine", "50", 5, 8, MORNING),
    ("UCULT", "Urine culture", "مزرعة بول", "urine", "240", 5, 4, MORNING),
    ("STOOL", "Stool analysis", "تحليل براز", "stool", "50", 5, 4, NOTHING),
    ("GTT", "Glucose tolerance test", "منحنى السكر", "blood", "190", 120, 2, FASTING),
)  # fmt: skip


def ensure(actor: Actor, today: date) -> tuple[int, int]:
    """Fill catalogue and shelves where the catalogue is empty; return how many medicines and tests."""
    if catalog.find_medications(actor, "", limit=1):
        return 0, 0
    random = Random(7)  # noqa: S311 - the same shelves for everybody
    with transaction():
        for number, medicine in enumerate(MEDICINES):
            _medicine(actor, medicine, number, today, random)
        for test in TESTS:
            _test(actor, test)
    return len(MEDICINES), len(TESTS)


def _medicine(
    actor: Actor, plan: tuple[str, str, str, str, str, str, int], number: int, today: date, random: Random
) -> None:
    name, name_ar, strength, form, unit, price, reorder = plan
    medication_id = catalog.add(
        actor,
        catalog.MEDICATIONS,
        {
            "drug_name": name,
            "drug_name_ar": name_ar,
            "strength": strength,
            "dosage_form": form,
            "unit": unit,
            "is_controlled_substance": name in CONTROLLED,
            "price": Decimal(price),
        },
    )
    if actor.facility_id is None or not (number + 1) % 29:
        return  # in the formulary, and not kept here
    item_id = inventory.stock(actor, actor.facility_id, medication_id)
    inventory.keep(
        actor,
        item_id,
        inventory.Kept(
            reorder_point=Decimal(reorder),
            reorder_quantity=Decimal(reorder * 2),
            bin_location=f"{'ABCDEF'[number % 6]}{number // 6 + 1}",
            requires_refrigeration=name.startswith("Insulin"),
        ),
    )
    for batch in range(number % 3 + 1):
        is_low = not (number + 5) % 9
        days = random.randint(6, 40) if not ((number + 4) % 7 or batch) else random.randint(150, 800)
        inventory.receive(
            actor,
            actor.facility_id,
            medication_id,
            inventory.Delivery(
                batch_number=f"{name[:2].upper()}{code(5)}",
                expiration_date=today + timedelta(days=days),
                quantity=Decimal(max(reorder // 4, 1) if is_low else reorder * random.randint(1, 4)),
                unit_cost=(Decimal(price) * Decimal("0.62")).quantize(Decimal("0.0001")),
            ),
        )


def _test(actor: Actor, plan: tuple[str, str, str, str, str, int, int, tuple[str, str]]) -> None:
    short, name, name_ar, specimen, price, minutes, capacity, (preparation, preparation_ar) = plan
    catalog.add(
        actor,
        catalog.LAB_TESTS,
        {
            "code": short,
            "name": name,
            "name_ar": name_ar,
            "specimen_type": specimen,
            "preparation": preparation or None,
            "preparation_ar": preparation_ar or None,
            "slot_minutes": minutes,
            "capacity": capacity,
            "price": Decimal(price),
        },
    )
